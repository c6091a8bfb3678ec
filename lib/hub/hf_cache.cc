// SPDX-License-Identifier: Apache-2.0
#include "hub/hf_cache.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "base/file.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxNameChars = 96;  // the hub's limit for each part of a repo id
constexpr std::size_t kCommitChars = 40;
constexpr std::uint64_t kMaxRefBytes = 4096;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Letters, digits and "_-."; a word character at both ends.
bool is_repo_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameChars && is_word(name.front()) &&
         is_word(name.back()) &&
         std::ranges::all_of(name, [](char c) { return is_word(c) || c == '-' || c == '.'; });
}

bool is_commit(std::string_view text) {
  return text.size() == kCommitChars && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Branches may hold slashes (refs/pr/1); nothing may climb out of refs/.
bool is_safe_revision(std::string_view revision) {
  if (revision.empty() || revision.size() > 255 || revision.front() == '/') return false;
  if (revision.find('\\') != std::string_view::npos ||
      revision.find('\0') != std::string_view::npos)
    return false;
  const fs::path path(revision);
  return std::ranges::none_of(path, [](const fs::path& part) { return part == ".."; });
}

std::optional<std::string> non_empty(const HubEnvironment& environment, const std::string& name) {
  std::optional<std::string> value = environment.variable(name);
  if (value && value->empty()) return std::nullopt;
  return value;
}

// Replaces $NAME and ${NAME}; names that are not set stay as they are written.
std::string expand_variables(std::string_view text, const HubEnvironment& environment) {
  std::string result;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] != '$') {
      result += text[at++];
      continue;
    }
    const bool braced = at + 1 < text.size() && text[at + 1] == '{';
    const std::size_t begin = at + (braced ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() && is_word(text[end])) ++end;
    const bool closed = !braced || (end < text.size() && text[end] == '}');
    const std::size_t next = end + (braced && closed ? 1 : 0);
    const auto value = end > begin && closed
                           ? environment.variable(std::string(text.substr(begin, end - begin)))
                           : std::nullopt;
    result += value ? *value : std::string(text.substr(at, next - at));
    at = next;
  }
  return result;
}

fs::path expand_path(std::string_view text, const HubEnvironment& environment) {
  const std::string expanded = expand_variables(text, environment);
  if (expanded == "~") return environment.home;
  if (expanded.starts_with("~/")) return environment.home / expanded.substr(2);
  return expanded;
}

std::string fetch_hint(std::string_view repo_id, std::string_view revision) {
  const std::string option = revision == "main" ? "" : fmt::format(" --revision {}", revision);
  return fmt::format("Fetch it with 'hf download {}{}', or name a local model folder", repo_id,
                     option);
}

// Names below `folder` as one text, for messages.
std::string list_names(const fs::path& folder) {
  constexpr std::size_t kMaxListed = 8;
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  std::ranges::sort(names);
  const bool cut = names.size() > kMaxListed;
  if (cut) names.resize(kMaxListed);
  if (names.empty()) return "none";
  return fmt::format("{}{}", fmt::join(names, ", "), cut ? ", ..." : "");
}

Result<std::string> resolve_commit(const fs::path& repo_folder, std::string_view repo_id,
                                   std::string_view revision) {
  if (is_commit(revision)) return std::string(revision);
  const fs::path ref = repo_folder / "refs" / revision;
  std::error_code error;
  if (!fs::is_regular_file(ref, error)) {
    return make_error(ErrorCode::kNotFound,
                      "the Hugging Face cache has '{}', but not its revision '{}' (no '{}'; there: "
                      "{}). {}",
                      repo_id, revision, ref.string(), list_names(repo_folder / "refs"),
                      fetch_hint(repo_id, revision));
  }
  std::string commit = PJ_TRY(read_text_file(ref, kMaxRefBytes));
  while (!commit.empty() && (commit.back() == '\n' || commit.back() == '\r')) commit.pop_back();
  if (!is_commit(commit)) {
    return make_error(ErrorCode::kInvalidData,
                      "'{}' has {} bytes that are not a commit, expected 40 hex digits",
                      ref.string(), commit.size());
  }
  return commit;
}

// A link whose blob is missing means that a download stopped in the middle.
Status check_links(const fs::path& snapshot, std::string_view repo_id, std::string_view revision) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(snapshot, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code missing;
    if (it->is_symlink(missing) && !fs::exists(it->path(), missing)) {
      return make_error(ErrorCode::kInvalidData,
                        "'{}' is only half there: its link leads to no file. {} again",
                        it->path().string(), fetch_hint(repo_id, revision));
    }
  }
  if (error) {
    return make_error(ErrorCode::kIo, "cannot list '{}': {}", snapshot.string(), error.message());
  }
  return {};
}

}  // namespace

HubEnvironment HubEnvironment::from_process() {
  HubEnvironment environment;
  environment.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  if (const auto home = non_empty(environment, "HOME")) {
    environment.home = *home;
  } else if (const passwd* user = ::getpwuid(::getuid()); user != nullptr) {
    environment.home = user->pw_dir;
  }
  return environment;
}

bool is_repo_id(std::string_view text) {
  if (text.find("--") != std::string_view::npos || text.find("..") != std::string_view::npos ||
      text.ends_with(".git")) {
    return false;
  }
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_repo_name(text);
  return is_repo_name(text.substr(0, slash)) && is_repo_name(text.substr(slash + 1));
}

fs::path hf_cache_folder(const HubEnvironment& environment) {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const auto value = non_empty(environment, name)) return expand_path(*value, environment);
  }
  if (const auto value = non_empty(environment, "HF_HOME")) {
    return expand_path(*value, environment) / "hub";
  }
  if (const auto value = non_empty(environment, "XDG_CACHE_HOME")) {
    return expand_path(*value, environment) / "huggingface" / "hub";
  }
  return environment.home / ".cache" / "huggingface" / "hub";
}

Result<CachedSnapshot> find_in_hf_cache(std::string_view repo_id, std::string_view revision,
                                        const HubEnvironment& environment) {
  if (!is_repo_id(repo_id)) {
    return make_error(ErrorCode::kInvalidArgument,
                      "'{}' is not a repository of the hub, expected NAME or ORG/NAME", repo_id);
  }
  if (!is_safe_revision(revision)) {
    return make_error(ErrorCode::kInvalidArgument,
                      "'{}' is not a revision, expected a branch, a tag or a commit", revision);
  }
  std::string folder_name = "models--";
  for (const char c : repo_id) folder_name += c == '/' ? std::string("--") : std::string(1, c);

  const fs::path repo_folder = hf_cache_folder(environment) / folder_name;
  std::error_code error;
  if (!fs::is_directory(repo_folder, error)) {
    return make_error(ErrorCode::kNotFound, "'{}' is not in the Hugging Face cache (no '{}'). {}",
                      repo_id, repo_folder.string(), fetch_hint(repo_id, revision));
  }
  const std::string commit = PJ_TRY(resolve_commit(repo_folder, repo_id, revision));
  const fs::path snapshot = repo_folder / "snapshots" / commit;
  if (!fs::is_directory(snapshot, error)) {
    return make_error(ErrorCode::kNotFound,
                      "the Hugging Face cache has '{}', but no files of its revision '{}' (no "
                      "'{}'). {}",
                      repo_id, revision, snapshot.string(), fetch_hint(repo_id, revision));
  }
  PJ_TRY(check_links(snapshot, repo_id, revision));
  return CachedSnapshot{.folder = snapshot, .repo_id = std::string(repo_id), .revision = commit};
}

}  // namespace pajamas
