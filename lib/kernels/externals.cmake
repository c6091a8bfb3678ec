# SPDX-License-Identifier: Apache-2.0
# Instruction sets are compiled only for their processor family; each family has its own
# tables_*.cc. Included with the layer's `sources` in scope.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(PJ_OTHER_FAMILIES "/kernels/(neon/|tables_arm|tables_other|peak_loops_other)")
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(PJ_OTHER_FAMILIES "/kernels/(avx2/|avx512|tables_x86|tables_other|peak_loops_x86)")
else()
  set(PJ_OTHER_FAMILIES "/kernels/(avx2/|avx512|neon/|tables_x86|tables_arm|peak_loops_x86)")
endif()
set(PJ_ALONE TRUE)  # each has target pragmas of its own, or follows one that has
list(FILTER sources EXCLUDE REGEX "${PJ_OTHER_FAMILIES}")
# What the vector kernels compute is the same with and without the thread sanitizer, which makes
# them slow to compile; PAJAMAS_CPU=generic runs the same threads through kernels that it sees.
if(PAJAMAS_SANITIZE MATCHES "thread")
  set(PJ_VECTOR_KERNELS ${sources})
  list(FILTER PJ_VECTOR_KERNELS INCLUDE REGEX "/kernels/(avx|neon)")
  set_source_files_properties(${PJ_VECTOR_KERNELS} PROPERTIES COMPILE_OPTIONS -fno-sanitize=thread)
endif()
