# SPDX-License-Identifier: Apache-2.0
# Suites that run on every family, on shape-only models.
file(GLOB conformance_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*_test.cc)
pajamas_test_program(pajamas_conformance_test SOURCES ${conformance_tests}
  LINK pajamas_fixtures pajamas_runtime)
