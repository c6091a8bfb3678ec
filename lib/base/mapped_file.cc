// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace pajamas {
namespace {

// What the handler needs about each live map. Lock-free atomics only: it runs inside a signal.
struct Slot {
  std::atomic<std::uintptr_t> begin{0};  // 0: free
  std::atomic<std::uintptr_t> end{0};
  std::atomic<bool> torn{false};
};

constexpr int kMaxMaps = 4096;
std::array<Slot, kMaxMaps> g_slots;
std::mutex g_slots_mutex;  // taken by open and close, never by the handler
struct sigaction g_previous_action;

void on_sigbus(int signal, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (Slot& slot : g_slots) {
    const std::uintptr_t begin = slot.begin.load();
    const std::uintptr_t end = slot.end.load();
    if (begin == 0 || address < begin || address >= end) continue;
    static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::uintptr_t hole = address / page * page;
    void* patched = ::mmap(reinterpret_cast<void*>(hole), end - hole, PROT_READ,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    slot.torn.store(true);
    if (patched != MAP_FAILED) return;
  }
  // Not one of ours: let the previous handler have it.
  if ((g_previous_action.sa_flags & SA_SIGINFO) != 0 && g_previous_action.sa_sigaction != nullptr) {
    g_previous_action.sa_sigaction(signal, info, context);
    return;
  }
  ::signal(SIGBUS, SIG_DFL);
  ::raise(SIGBUS);
}

void install_handler() {
  struct sigaction action{};
  action.sa_sigaction = on_sigbus;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  ::sigaction(SIGBUS, &action, &g_previous_action);
}

std::size_t mapped_length(std::size_t bytes) {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  static std::once_flag installed;
  std::call_once(installed, install_handler);

  const File file = PJ_TRY(File::open_read(path));
  const auto bytes = static_cast<std::size_t>(PJ_TRY(file.size_bytes()));
  MappedFile result;
  result.path_ = path;
  if (bytes == 0) return result;

  const std::lock_guard lock(g_slots_mutex);
  int free_slot = -1;
  for (int i = 0; i < kMaxMaps && free_slot < 0; ++i) {
    if (g_slots[static_cast<std::size_t>(i)].begin.load() == 0) free_slot = i;
  }
  if (free_slot < 0) {
    return make_error(ErrorCode::kIo, "cannot map '{}': {} files are mapped already", path.string(),
                      kMaxMaps);
  }
  void* address = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file.fd(), 0);
  if (address == MAP_FAILED) {
    return make_error(ErrorCode::kIo, "cannot map '{}': {}", path.string(),
                      std::generic_category().message(errno));
  }
  Slot& slot = g_slots[static_cast<std::size_t>(free_slot)];
  slot.torn.store(false);
  slot.end.store(reinterpret_cast<std::uintptr_t>(address) + mapped_length(bytes));
  slot.begin.store(reinterpret_cast<std::uintptr_t>(address));
  result.slot_ = free_slot;
  result.bytes_ = {static_cast<const std::byte*>(address), bytes};
  return result;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})),
      path_(std::move(other.path_)),
      slot_(std::exchange(other.slot_, -1)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(path_, other.path_);
  std::swap(slot_, other.slot_);
  return *this;
}

MappedFile::~MappedFile() {
  if (slot_ < 0) return;
  const std::lock_guard lock(g_slots_mutex);
  Slot& slot = g_slots[static_cast<std::size_t>(slot_)];
  slot.begin.store(0);
  slot.end.store(0);
  ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Status MappedFile::check_intact() const {
  if (slot_ >= 0 && g_slots[static_cast<std::size_t>(slot_)].torn.load()) {
    return make_error(ErrorCode::kInvalidData,
                      "'{}' shrank while it was being read (it had {} bytes); another program is "
                      "changing it",
                      path_.string(), bytes_.size());
  }
  return {};
}

}  // namespace pajamas
