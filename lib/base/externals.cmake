# SPDX-License-Identifier: Apache-2.0
set(PJ_EXTERNALS fmt::fmt nlohmann_json::nlohmann_json OpenSSL::Crypto Threads::Threads)
