// SPDX-License-Identifier: Apache-2.0
#include "pipeline/publish.h"

#include <algorithm>

#include "base/file.h"
#include "base/sha256.h"
#include "formats/gguf/gguf_source.h"
#include "formats/mlx/mlx_folder.h"

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
Status check_gguf(const Model& model, const PlannedOutput& output, const fs::path& folder) {
  const fs::path first = folder / output.files.front().path;
  const auto source = PJ_TRY(open_gguf(first));
  if (source->tensors().size() != model.outputs.size()) {
    return mismatch(first, fmt::format("{} tensors instead of {}", source->tensors().size(),
                                       model.outputs.size()));
  }
  for (std::size_t i = 0; i < model.outputs.size(); ++i) {
    const OutputTensor& wanted = model.outputs[i];
    const TensorInfo* found = source->find(wanted.name);
    if (found == nullptr) return mismatch(first, fmt::format("'{}' is missing", wanted.name));
    const PlannedPart& place = output.tensors[i].parts.front();
    const bool is_same = found->dtype == output.tensors[i].dtype && found->file == place.file &&
                         found->file_offset == place.offset &&
                         found->shape.elems() == wanted.shape.elems();
    if (!is_same) return mismatch(first, fmt::format("'{}' differs", wanted.name));
  }
  return {};
}

bool is_at(const TensorInfo* found, const PlannedPart& place, const PlannedOutput& output,
           const TensorSource& source) {
  return found != nullptr && found->file_offset == place.offset &&
         source.files()[static_cast<std::size_t>(found->file)].filename() ==
             fs::path(output.files[static_cast<std::size_t>(place.file)].path).filename();
}

Status check_mlx(const Model& model, const PlannedOutput& output, const fs::path& folder) {
  const fs::path mlx = folder / output_format_name(OutputFormat::kMlx);
  const auto opened = PJ_TRY(open_mlx_folder(mlx));
  std::size_t expected = 0;
  for (std::size_t i = 0; i < model.outputs.size(); ++i) {
    const PlannedTensor& planned = output.tensors[i];
    if (planned.parts.empty()) continue;
    ++expected;
    const std::string& name = model.outputs[i].mlx_name;
    const MlxTensor* found = opened->find(name);
    if (found == nullptr) return mismatch(mlx, fmt::format("'{}' is missing", name));
    const auto is_part = [&](std::size_t part, const TensorInfo* info) {
      return part >= planned.parts.size() ||
             is_at(info, planned.parts[part], output, opened->stored());
    };
    const bool is_same = found->quantization == planned.mlx &&
                         found->shape == model.outputs[i].mlx_shape && is_part(0, found->codes) &&
                         is_part(1, found->scales) && is_part(2, found->biases);
    if (!is_same) return mismatch(mlx, fmt::format("'{}' differs", name));
  }
  if (opened->tensors().size() == expected) return {};
  return mismatch(mlx, fmt::format("{} tensors instead of {}", opened->tensors().size(), expected));
}

Status check_structure(const Model& model, const PlannedOutput& output, const fs::path& folder) {
  if (output.format == OutputFormat::kMlx) return check_mlx(model, output, folder);
  return check_gguf(model, output, folder);
}

// Where a folder that is replaced waits for its removal: beside the partial files.
constexpr std::string_view kReplacedName = "replaced";

// A folder with all its files becomes final in one step. What stood there before is moved away
// first, so that at no time files of two runs stand together.
Status publish_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from, error)) return {};  // an earlier run that was cut short did it
  if (fs::exists(to, error)) {
    const fs::path replaced = from.parent_path() / kReplacedName;
    fs::remove_all(replaced, error);
    PJ_TRY(rename_durable(to, replaced));
  }
  PJ_TRY(sync_directory(from));
  return rename_durable(from, to);
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
  std::vector<FinishedOutput> outputs;
  for (const PlannedOutput& planned : plan.outputs) {
    FinishedOutput& output = outputs.emplace_back(FinishedOutput{.planned = &planned, .files = {}});
    const fs::path name = output_format_name(planned.format);
    const bool is_folder = planned.format == OutputFormat::kMlx;
    if (!is_folder) PJ_TRY(make_directories(to / name));
    std::error_code ignored;
    const bool moves_folder = is_folder && fs::exists(from / name, ignored);
    if (is_folder) PJ_TRY(publish_folder(from / name, to / name));
    for (const PlannedFile& file : planned.files) {
      const std::string& sha256 = sha256_by_file.at(file.path);
      const bool moves_file = !is_folder && fs::exists(from / file.path, ignored);
      if (moves_file) PJ_TRY(rename_durable(from / file.path, to / file.path));
      if (!moves_folder && !moves_file && PJ_TRY(hash_file(to / file.path, nullptr)) != sha256) {
        return make_error(ErrorCode::kConflict,
                          "'{}' changed after an earlier run published it; remove it and run again",
                          (to / file.path).string());
      }
      output.files.push_back({file.path, file.bytes, sha256});
    }
  }
  return outputs;
}

}  // namespace pajamas
