# SPDX-License-Identifier: Apache-2.0
find_package(Boost 1.81 REQUIRED)  # Asio and Beast: headers alone
set(PJ_EXTERNALS Boost::headers)
# The thread sanitizer knows no fences; the locks around the queues order what they order.
if(PAJAMAS_SANITIZE MATCHES "thread")
  set_source_files_properties(
    ${PROJECT_SOURCE_DIR}/lib/http/connection.cc ${PROJECT_SOURCE_DIR}/lib/http/server.cc
    PROPERTIES COMPILE_DEFINITIONS BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()
