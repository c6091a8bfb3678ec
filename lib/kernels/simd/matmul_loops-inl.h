// SPDX-License-Identifier: Apache-2.0
// The loops around the products: which rows, tokens and columns are at work together.
//
// Included inside a target region and the namespace of the instruction set. Activations are records
// of 64 bytes, so many columns as the form has in them. One token goes straight through the packed
// rows, see kFetchAhead.
//
// More tokens go in blocks of kBlockTiles tiles and spans of kSpanRecords records, whose
// activations are interleaved once and stay in the second-level cache. Then blocks of kBlockGroups
// groups of rows, small enough to stay there too, are multiplied with tile after tile, kStepRecords
// records at a time, so that a tile's part stays in the first-level cache. Meanwhile the next
// groups are fetched.
//
// `Work` is how a type multiplies, see CodesWork and FloatsWork:
//   kKeptWords, kFirstExtraWord, kExtraWords  the words of a record that its tiles keep
//   add_tile<kTokens>(group, type, first, count, lane, x, sums)  records [first, first + count) of
//     a group's rows from `lane` on times a tile; first is a multiple of kStepRecords
//   add_one(group, type, count, lane, x, sums)  all records, times one token's records as they are

// The lines of the kBytes that lie kFetchAhead bytes behind `p`, past the end of the rows harmless.
template <int kBytes>
PJ_VEC void fetch_ahead(const std::byte* p) {
  if (kFetchAhead == 0) return;
  repeat<(kBytes + 63) / 64>(
      [&](auto line) PJ_BODY { __builtin_prefetch(p + kFetchAhead + 64 * line, 0, 3); });
}

constexpr int kBlockTiles = 16;
constexpr int kBlockGroups = 8;
constexpr int kSpanRecords = 64;
constexpr int kStepRecords = 32;
constexpr int kRecordWords = 16;
constexpr int kBlockTokens = kBlockTiles * kTileTokens;

// Tokens of a tile: kTileTokens, fewer when no more are left, in steps that the kernels exist for.
constexpr int kThird = kTileTokens / 3;
PJ_VEC int tile_width(std::int64_t tokens_left) {
  if (tokens_left > 2 * kThird) return kTileTokens;
  return tokens_left > kThird ? 2 * kThird : kThird;
}

template <typename Work>
constexpr int kTileRecordWords = Work::kKeptWords + Work::kExtraWords;
// A tile's words begin this many after those of the one before.
template <typename Work>
constexpr int kTileWords = kSpanRecords * kTileRecordWords<Work> * kTileTokens;

// What is at work, in the thread's scratch buffer.
struct Workspace {
  alignas(64) float sums[kBlockGroups][kBlockTokens][kGroupRows];
  alignas(64) std::int32_t tiles[kBlockTokens * kSpanRecords * kRecordWords + kRecordWords];
};
static_assert(sizeof(Workspace) <= kMatmulScratchBytes);

// The kept words of a tile's records, token by token. Tokens that the tile lacks are zeros.
template <typename Work, int kWidth>
PJ_VEC void interleave_tile(const std::byte* x, std::int64_t row_bytes, int n_tokens, int n_records,
                            std::int32_t* out) {
  alignas(64) static constexpr std::byte kNoToken[64] = {};
  for (int record = 0; record < n_records; ++record) {
    const std::byte* rows[kWidth];
    for (int token = 0; token < kWidth; ++token) {
      rows[token] = token < n_tokens ? x + token * row_bytes + 64 * record : kNoToken;
    }
    interleave_record<Work::kKeptWords, Work::kFirstExtraWord, Work::kExtraWords, kWidth>(rows,
                                                                                          out);
    out += kTileRecordWords<Work> * kWidth;
  }
}

template <typename Work>
void interleave(const std::byte* x, std::int64_t row_bytes, std::int64_t n_tokens, int n_records,
                std::int32_t* out) {
  for (std::int64_t token = 0; token < n_tokens; token += kTileTokens) {
    const int n = static_cast<int>(std::min<std::int64_t>(kTileTokens, n_tokens - token));
    const std::byte* const rows = x + token * row_bytes;
    switch (tile_width(n)) {
      case kTileTokens:
        interleave_tile<Work, kTileTokens>(rows, row_bytes, n, n_records, out);
        break;
      case 2 * kThird:
        interleave_tile<Work, 2 * kThird>(rows, row_bytes, n, n_records, out);
        break;
      default:
        interleave_tile<Work, kThird>(rows, row_bytes, n, n_records, out);
    }
    out += kTileWords<Work>;
  }
}

// Of the lanes from a row on, how many belong to the task.
PJ_VEC int rows_from(const MatmulTask& task, std::int64_t row) {
  return static_cast<int>(std::clamp<std::int64_t>(task.row_end - row, 0, kLanes));
}

template <typename Work>
void multiply_one(const MatmulTask& task, std::int64_t group_bytes) {
  const auto n_records = static_cast<int>(task.activation_bytes / 64);
  const auto* const x = reinterpret_cast<const std::int32_t*>(task.activations);
  for (std::int64_t row = task.row_begin; row < task.row_end; row += kGroupRows) {
    const std::byte* const group = task.groups + row / kGroupRows * group_bytes;
    for (int lane = 0; lane < kGroupRows && rows_from(task, row + lane) > 0; lane += kLanes) {
      F sums[1] = {splat_float(0.0F)};
      Work::add_one(group, task.type, n_records, lane, x, sums);
      store_first(task.out + row + lane, sums[0], rows_from(task, row + lane));
    }
  }
}

// The part of a task at work: tokens, records and groups of rows.
struct Part {
  std::int64_t first_token;
  std::int64_t n_tokens;
  std::int64_t first_record;
  int n_records;
  std::int64_t first_row;
  int n_groups;
};

// The sums so far: those of the spans before wait in the task's output.
PJ_VEC void load_sums(const MatmulTask& task, const Part& part, Workspace& work) {
  for (int group = 0; group < part.n_groups; ++group) {
    const std::int64_t row = part.first_row + group * kGroupRows;
    for (std::int64_t token = 0; token < part.n_tokens; ++token) {
      const float* const out = task.out + (part.first_token + token) * task.out_stride + row;
      for (int lane = 0; lane < kGroupRows; lane += kLanes) {
        const int n_rows = part.first_record == 0 ? 0 : rows_from(task, row + lane);
        const F sum = n_rows == 0 ? splat_float(0.0F) : load_first(out + lane, n_rows);
        store(work.sums[group][token] + lane, sum);
      }
    }
  }
}

PJ_VEC void store_sums(const MatmulTask& task, const Part& part, const Workspace& work) {
  for (std::int64_t token = 0; token < part.n_tokens; ++token) {
    for (int group = 0; group < part.n_groups; ++group) {
      const std::int64_t row = part.first_row + group * kGroupRows;
      float* const out = task.out + (part.first_token + token) * task.out_stride + row;
      for (int lane = 0; lane < kGroupRows && rows_from(task, row + lane) > 0; lane += kLanes) {
        store_first(out + lane, load(work.sums[group][token] + lane), rows_from(task, row + lane));
      }
    }
  }
}

// Packed rows of the groups that follow, to fetch while a tile is multiplied: so many bytes of
// each.
struct Fetch {
  const std::byte* next;
  std::int64_t bytes;
};

// What each of `calls` multiplications of a part has to fetch, so that together they fetch the same
// records of the next groups. Nothing when the rows are read too few times to wait for them.
PJ_VEC Fetch fetch_for(const MatmulTask& task, std::int64_t group_bytes, const Part& part,
                       std::int64_t calls) {
  const std::int64_t record_bytes = group_bytes / (task.activation_bytes / 64);
  const std::int64_t next_group = part.first_row / kGroupRows + part.n_groups;
  const std::int64_t bytes = (record_bytes * part.n_records / calls + 63) / 64 * 64;
  return {task.groups + next_group * group_bytes + part.first_record * record_bytes,
          calls < 3 ? 0 : bytes};
}

// A tile's records [first, first + count) of the part, times its groups.
template <typename Work, int kTokens>
void multiply_tile(const std::byte* groups, std::int64_t group_bytes, WeightType type,
                   const Part& part, int first, int count, std::int64_t token, const Fetch& fetch,
                   Workspace& work) {
  const std::int32_t* const x = work.tiles + token / kTileTokens * kTileWords<Work> +
                                first * kTileRecordWords<Work> * kTokens;
  for (int group = 0; group < part.n_groups; ++group) {
    for (std::int64_t line = 0; line < fetch.bytes; line += 64) {
      __builtin_prefetch(fetch.next + group * group_bytes + line, 0, 2);
    }
    for (int lane = 0; lane < kGroupRows; lane += kLanes) {
      float* const at = work.sums[group][token] + lane;
      F sums[kTokens];
      repeat<kTokens>([&](auto t) PJ_BODY { sums[t] = load(at + t * kGroupRows); });
      Work::template add_tile<kTokens>(groups + group * group_bytes, type,
                                       part.first_record + first, count, lane, x, sums);
      repeat<kTokens>([&](auto t) PJ_BODY { store(at + t * kGroupRows, sums[t]); });
    }
  }
}

template <typename Work>
void multiply_part(const MatmulTask& task, std::int64_t group_bytes, const Part& part,
                   Workspace& work) {
  const std::byte* const groups = task.groups + part.first_row / kGroupRows * group_bytes;
  load_sums(task, part, work);
  // A single tile fits as it is; longer runs through the rows are read faster.
  const int step = part.n_tokens <= kTileTokens ? kSpanRecords : kStepRecords;
  const std::int64_t n_tiles = (part.n_tokens + kTileTokens - 1) / kTileTokens;
  Fetch fetch = fetch_for(task, group_bytes, part, n_tiles * ((part.n_records + step - 1) / step));
  for (int first = 0; first < part.n_records; first += step) {
    const int count = std::min(step, part.n_records - first);
    for (std::int64_t token = 0; token < part.n_tokens; token += kTileTokens) {
      const int width = tile_width(part.n_tokens - token);
      if (width == kTileTokens) {
        multiply_tile<Work, kTileTokens>(groups, group_bytes, task.type, part, first, count, token,
                                         fetch, work);
      } else if (width == 2 * kThird) {
        multiply_tile<Work, 2 * kThird>(groups, group_bytes, task.type, part, first, count, token,
                                        fetch, work);
      } else {
        multiply_tile<Work, kThird>(groups, group_bytes, task.type, part, first, count, token,
                                    fetch, work);
      }
      fetch.next += fetch.bytes;
    }
  }
  store_sums(task, part, work);
}

template <typename Work>
void multiply(const MatmulTask& task) {
  const std::int64_t n_records = task.activation_bytes / 64;
  const auto group_bytes = static_cast<std::int64_t>(Work::group_bytes(task.type, task.cols));
  if (task.tokens == 1) return multiply_one<Work>(task, group_bytes);
  auto& work = *reinterpret_cast<Workspace*>(matmul_scratch());
  constexpr std::int64_t kBlockRows = kBlockGroups * kGroupRows;
  Part part{};
  for (std::int64_t token = 0; token < task.tokens; token += kBlockTokens) {
    part.first_token = token;
    part.n_tokens = std::min<std::int64_t>(kBlockTokens, task.tokens - token);
    for (std::int64_t record = 0; record < n_records; record += kSpanRecords) {
      part.first_record = record;
      part.n_records = static_cast<int>(std::min<std::int64_t>(kSpanRecords, n_records - record));
      interleave<Work>(task.activations + token * task.activation_bytes + 64 * record,
                       task.activation_bytes, part.n_tokens, part.n_records, work.tiles);
      for (std::int64_t row = task.row_begin; row < task.row_end; row += kBlockRows) {
        part.first_row = row;
        const std::int64_t rows = std::min(kBlockRows, task.row_end - row);
        part.n_groups = static_cast<int>((rows + kGroupRows - 1) / kGroupRows);
        multiply_part<Work>(task, group_bytes, part, work);
      }
    }
  }
}
