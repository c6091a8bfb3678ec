# SPDX-License-Identifier: Apache-2.0
set(PJ_EXTERNALS "")
set(PJ_ALONE TRUE)  # what a byte depends on is in one file; they are cheap to compile
# MLX's loops are written for the vectorizer, which g++ 12 holds back at -O2. Bytes do not depend on
# it: no flag here lets sums be reordered or contracted.
if(CMAKE_CXX_FLAGS_RELEASE MATCHES "-O2")
  file(GLOB PJ_MLX_CODECS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lib/codecs/mlx/*.cc)
  set_source_files_properties(${PJ_MLX_CODECS} PROPERTIES COMPILE_OPTIONS -O3)
endif()
