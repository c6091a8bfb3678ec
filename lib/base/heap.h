// SPDX-License-Identifier: Apache-2.0
// The heap of the process as the system sees it. Thread-safe.
#pragma once

namespace pajamas {

// Gives the pages of freed memory back to the system. The allocator keeps them otherwise as long as
// something that lives lies behind them, which after one large request can be for ever. Takes some
// milliseconds.
void give_back_free_memory();

// For programs that run for long: from now on the allocator keeps about a megabyte of free memory
// for each of its arenas, instead of up to 64 MB once something large was freed.
void keep_little_free_memory();

}  // namespace pajamas
