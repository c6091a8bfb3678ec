// SPDX-License-Identifier: Apache-2.0
// Every codec, in the order of the types. A new codec is its own files and one line here.
#include <array>

#include "codecs/codec.h"
#include "codecs/iq4/iq4_nl.h"
#include "codecs/iq4/iq4_xs.h"
#include "codecs/k_quants/q2_k.h"
#include "codecs/k_quants/q3_k.h"
#include "codecs/k_quants/q4_k.h"
#include "codecs/k_quants/q5_k.h"
#include "codecs/k_quants/q6_k.h"
#include "codecs/legacy/q4_0.h"
#include "codecs/legacy/q4_1.h"
#include "codecs/legacy/q5_0.h"
#include "codecs/legacy/q5_1.h"
#include "codecs/legacy/q8_0.h"
#include "codecs/mxfp4/mxfp4.h"
#include "codecs/plain/plain_floats.h"
#include "codecs/ternary/tq1_0.h"
#include "codecs/ternary/tq2_0.h"

namespace pajamas {
namespace {

constexpr std::array kCodecs = {
    &kF32Codec,    &kF16Codec,    &kBF16Codec,                              //
    &kQ4_0Codec,   &kQ4_1Codec,   &kQ5_0Codec,  &kQ5_1Codec,  &kQ8_0Codec,  //
    &kQ2_KCodec,   &kQ3_KCodec,   &kQ4_KCodec,  &kQ5_KCodec,  &kQ6_KCodec,  //
    &kIQ4_NLCodec, &kIQ4_XSCodec, &kTQ1_0Codec, &kTQ2_0Codec, &kMXFP4Codec,
};

}  // namespace

const Codec* find_codec(DType dtype) {
  for (const Codec* codec : kCodecs) {
    if (codec->dtype == dtype) return codec;
  }
  return nullptr;
}

std::span<const Codec* const> all_codecs() { return kCodecs; }

}  // namespace pajamas
