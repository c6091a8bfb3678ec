// SPDX-License-Identifier: Apache-2.0
// Processors without kernels of their own: the scalar codecs do everything.
#include "kernels/kernel_parts.h"

namespace pajamas {

std::span<const KernelTable* const> wide_kernel_tables() { return {}; }

}  // namespace pajamas
