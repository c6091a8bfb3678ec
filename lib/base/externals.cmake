set(PJ_EXTERNALS fmt::fmt nlohmann_json::nlohmann_json OpenSSL::Crypto Threads::Threads)
