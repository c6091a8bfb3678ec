// SPDX-License-Identifier: Apache-2.0
// GET / and the files of the chat page.
#include "serve/endpoints/endpoints.h"
#include "serve/page/page_files.h"

namespace pajamas {
namespace {

// Everything comes from this server, and no text can become a script.
constexpr const char* kPolicy =
    "default-src 'self'; connect-src 'self'; img-src 'self' data:; script-src 'self'; "
    "style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
    "require-trusted-types-for 'script'";

struct PageFile {
  const char* pattern;
  const char* content_type;
  const std::string_view& content;
};

}  // namespace

void add_page_routes(http::Router& router) {
  const PageFile files[] = {
      {"/", "text/html; charset=utf-8", page::kIndexHtml},
      {"/page/chat.css", "text/css; charset=utf-8", page::kChatCss},
      {"/page/chat.js", "text/javascript; charset=utf-8", page::kChatJs},
  };
  for (const PageFile& file : files) {
    router.add({.method = "GET",
                .pattern = file.pattern,
                .handler =
                    [type = file.content_type, &content = file.content](const http::Request&,
                                                                        http::Reply& reply) {
                      reply.send({.content_type = type,
                                  .headers = {{"Content-Security-Policy", kPolicy},
                                              {"Cross-Origin-Opener-Policy", "same-origin"},
                                              {"Cache-Control", "no-cache"}},
                                  .body = std::string(content)});
                    },
                .lane = http::Lane::kQuick,
                .access = http::Access::kPublic});
  }
}

}  // namespace pajamas
