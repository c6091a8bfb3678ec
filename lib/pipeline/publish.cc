// SPDX-License-Identifier: Apache-2.0
#include "pipeline/publish.h"

#include <algorithm>

#include "base/file.h"
#include "base/sha256.h"
#include "formats/gguf/gguf_source.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHashChunkBytes = std::size_t{1} << 20;

std::unexpected<Error> mismatch(const fs::path& path, std::string_view what) {
  return make_error(ErrorCode::kInternal,
                    "'{}' does not read back as it was planned: {}. Please report this",
                    path.string(), what);
}

// What a stock reader sees of an output must be what was planned.
Status check_structure(const Model& model, const PlannedOutput& output, const fs::path& folder) {
  const fs::path first = folder / output.shards.front().file_name;
  const auto source = PJ_TRY(open_gguf(first));
  if (source->tensors().size() != model.outputs.size()) {
    return mismatch(first, fmt::format("{} tensors instead of {}", source->tensors().size(),
                                       model.outputs.size()));
  }
  for (std::size_t i = 0; i < model.outputs.size(); ++i) {
    const OutputTensor& wanted = model.outputs[i];
    const TensorInfo* found = source->find(wanted.name);
    if (found == nullptr) return mismatch(first, fmt::format("'{}' is missing", wanted.name));
    const bool is_same = found->dtype == output.tensors[i].dtype &&
                         found->file == output.tensors[i].shard &&
                         found->file_offset == output.tensors[i].offset &&
                         found->shape.elems() == wanted.shape.elems();
    if (!is_same) return mismatch(first, fmt::format("'{}' differs", wanted.name));
  }
  return {};
}

}  // namespace

Result<std::string> hash_file(const fs::path& path, const CancelToken* cancel) {
  const File file = PJ_TRY(File::open_read(path));
  const std::uint64_t size = PJ_TRY(file.size_bytes());
  Sha256 hash;
  std::vector<std::byte> buffer(kHashChunkBytes);
  for (std::uint64_t offset = 0; offset < size;) {
    if (cancel != nullptr) PJ_TRY(cancel->check());
    const std::span<std::byte> chunk = std::span(buffer).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(kHashChunkBytes, size - offset)));
    PJ_TRY(file.read_at(offset, chunk));
    hash.update(chunk);
    offset += chunk.size();
  }
  return hash.finish_hex();
}

Status validate_files(const Model& model, const Plan& plan, const fs::path& folder) {
  for (const PlannedOutput& output : plan.outputs) PJ_TRY(check_structure(model, output, folder));
  return {};
}

Result<std::vector<FinishedOutput>> publish_files(
    const Plan& plan, const fs::path& from, const fs::path& to,
    const std::map<std::string, std::string>& sha256_by_file) {
  PJ_TRY(make_directories(to));
  std::vector<FinishedOutput> outputs;
  for (const PlannedOutput& planned : plan.outputs) {
    FinishedOutput& output = outputs.emplace_back(FinishedOutput{.planned = &planned, .files = {}});
    for (const PlannedShard& shard : planned.shards) {
      const std::string& sha256 = sha256_by_file.at(shard.file_name);
      std::error_code ignored;
      if (fs::exists(from / shard.file_name, ignored)) {
        PJ_TRY(rename_durable(from / shard.file_name, to / shard.file_name));
      } else if (PJ_TRY(hash_file(to / shard.file_name, nullptr)) != sha256) {
        return make_error(ErrorCode::kConflict,
                          "'{}' changed after an earlier run published it; remove it and run again",
                          (to / shard.file_name).string());
      }
      output.files.push_back({shard.file_name, shard.layout.file_bytes, sha256});
    }
  }
  return outputs;
}

}  // namespace pajamas
