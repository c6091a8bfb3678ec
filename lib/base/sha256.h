// SPDX-License-Identifier: Apache-2.0
// SHA-256, streaming (OpenSSL's libcrypto). One object hashes one message; not thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace pajamas {

class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::span<const std::byte> data);
  // 64 lower-case hex digits. Call once, last.
  [[nodiscard]] std::string finish_hex();

 private:
  struct Deleter {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Deleter> context_;
};

std::string sha256_hex(std::span<const std::byte> data);

}  // namespace pajamas
