# SPDX-License-Identifier: Apache-2.0
find_package(Boost 1.81 REQUIRED)  # Asio and Beast: headers alone
set(PJ_EXTERNALS Boost::headers)
