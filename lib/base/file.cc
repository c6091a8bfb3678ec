// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxTransferBytes = std::size_t{1} << 30;  // one read/write call

std::unexpected<Error> system_error(std::string_view what, const fs::path& path, int error) {
  ErrorCode code = ErrorCode::kIo;
  if (error == ENOENT || error == ENOTDIR) code = ErrorCode::kNotFound;
  if (error == ENOSPC || error == EDQUOT) code = ErrorCode::kNoSpace;
  return make_error(code, "{} '{}': {}", what, path.string(),
                    std::generic_category().message(error));
}

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "a special file";
}

}  // namespace

File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

Result<File> File::open_read(const fs::path& path) {
  // O_NONBLOCK: opening a FIFO without a writer returns at once; regular files ignore the flag.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return system_error("cannot open", path, errno);
  File file(fd, path);
  struct stat info{};
  if (::fstat(fd, &info) != 0) return system_error("cannot inspect", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return make_error(ErrorCode::kUnsupported, "'{}' is {}, expected a regular file", path.string(),
                      kind_of(info.st_mode));
  }
  return file;
}

Result<File> File::open_write(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
  if (fd < 0) return system_error("cannot create", path, errno);
  File file(fd, path);
  struct stat info{};
  if (::fstat(fd, &info) != 0) return system_error("cannot inspect", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return make_error(ErrorCode::kUnsupported, "'{}' is {}, expected a regular file", path.string(),
                      kind_of(info.st_mode));
  }
  return file;
}

Result<std::uint64_t> File::size_bytes() const {
  struct stat info{};
  if (::fstat(fd_, &info) != 0) return system_error("cannot inspect", path_, errno);
  return static_cast<std::uint64_t>(info.st_size);
}

Status File::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd_, out.data(), std::min(out.size(), kMaxTransferBytes),
                                static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot read", path_, errno);
    if (got == 0) {
      return make_error(ErrorCode::kInvalidData,
                        "'{}' ends at offset {}, but {} more bytes were expected there (was it "
                        "cut short while being read?)",
                        path_.string(), offset, out.size());
    }
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Status File::write_at(std::uint64_t offset, std::span<const std::byte> data) const {
  while (!data.empty()) {
    const ssize_t put = ::pwrite(fd_, data.data(), std::min(data.size(), kMaxTransferBytes),
                                 static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error("cannot write", path_, errno);
    data = data.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

Status File::resize(std::uint64_t bytes) const {
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) {
    return system_error("cannot resize", path_, errno);
  }
  return {};
}

Status File::reserve(std::uint64_t bytes) const {
  if (bytes == 0) return {};
  // fallocate, not posix_fallocate: the latter writes zeros where the file system has no support.
  if (::fallocate(fd_, 0, 0, static_cast<off_t>(bytes)) == 0) return {};
  if (errno == EOPNOTSUPP || errno == ENOSYS) return resize(bytes);
  return system_error("cannot reserve space for", path_, errno);
}

void File::start_writeback(std::uint64_t offset, std::uint64_t bytes) const {
  static_cast<void>(::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(bytes),
                                      SYNC_FILE_RANGE_WRITE));
}

void File::prefetch(std::uint64_t offset, std::uint64_t bytes) const {
  static_cast<void>(::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(bytes),
                                    POSIX_FADV_WILLNEED));
}

Status File::sync() const {
  if (::fsync(fd_) != 0) return system_error("cannot sync", path_, errno);
  return {};
}

Status File::close() {
  const int fd = std::exchange(fd_, -1);
  if (fd >= 0 && ::close(fd) != 0) return system_error("cannot close", path_, errno);
  return {};
}

Result<std::string> read_text_file(const fs::path& path, std::uint64_t max_bytes) {
  const File file = PJ_TRY(File::open_read(path));
  const std::uint64_t bytes = PJ_TRY(file.size_bytes());
  if (bytes > max_bytes) {
    return make_error(ErrorCode::kInvalidData, "'{}' has {} bytes, expected at most {}",
                      path.string(), bytes, max_bytes);
  }
  std::string content(static_cast<std::size_t>(bytes), '\0');
  PJ_TRY(file.read_at(0, std::as_writable_bytes(std::span(content))));
  return content;
}

Status write_file_atomic(const fs::path& path, std::string_view content) {
  fs::path partial = path;
  partial += ".partial";
  {
    File file = PJ_TRY(File::open_write(partial));
    PJ_TRY(file.resize(0));
    PJ_TRY(file.write_at(0, std::as_bytes(std::span(content))));
    PJ_TRY(file.sync());
    PJ_TRY(file.close());
  }
  return rename_durable(partial, path);
}

Status rename_durable(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return system_error(fmt::format("cannot rename '{}' to", from.string()), to, errno);
  }
  return sync_directory(to.parent_path());
}

Status sync_directory(const fs::path& directory) {
  const fs::path target = directory.empty() ? fs::path(".") : directory;
  const int fd = ::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error("cannot open folder", target, errno);
  const int failed = ::fsync(fd) != 0 ? errno : 0;
  ::close(fd);
  // Some file systems cannot sync folders; there is nothing better to do on them.
  if (failed != 0 && failed != EINVAL) return system_error("cannot sync folder", target, failed);
  return {};
}

Status make_directories(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return system_error("cannot create folder", directory, error.value());
  return {};
}

Status remove_file_if_present(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return system_error("cannot remove", path, errno);
  }
  return {};
}

Result<std::uint64_t> free_disk_bytes(const fs::path& directory) {
  struct statvfs info{};
  if (::statvfs(directory.c_str(), &info) != 0) {
    return system_error("cannot ask for free space of", directory, errno);
  }
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace pajamas
