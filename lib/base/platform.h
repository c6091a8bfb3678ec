// SPDX-License-Identifier: Apache-2.0
// What differs from machine to machine and fits a line.
#pragma once

namespace pajamas {

// Tells the CPU that this thread spins, so that its other hardware thread gets the units.
inline void cpu_pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

}  // namespace pajamas
