// SPDX-License-Identifier: Apache-2.0
// What the machine can do at most: loops of nothing but one instruction, on one thread.
#pragma once

#include <cstddef>

namespace pajamas::bench {

// Operations (a multiplication and an addition are two) per second; 0 without such an instruction.
double measure_int8_ops();
double measure_bf16_ops();
double measure_f32_ops();

// Reads all bytes, as fast as they come.
void read_all(const std::byte* data, std::size_t bytes);

}  // namespace pajamas::bench
