# SPDX-License-Identifier: Apache-2.0
# One library, one test program and one include rule per line of lib/LAYERS.
#
# lib/<layer>/**/*.cc       -> library pajamas_<layer>, linked with the layers its line names
# lib/<layer>/**/*_test.cc  -> program pajamas_<layer>_test, every test case known to ctest
# lib/<layer>/externals.cmake (optional) sets PJ_EXTERNALS: third-party targets of that layer;
#     PJ_ALONE: its files are never compiled together, see PAJAMAS_UNITY

include(GoogleTest)

# With PAJAMAS_UNITY, compiles the sources of a target many at a time: what they include is read
# once, and what they instantiate is generated once. Files with options of their own stay alone
# (CMake sees to that).
function(pajamas_unity target)
  if(PAJAMAS_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 32)
    # A .cc file is included there, so g++ takes what is private to it for a header's.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# For programs that call the library and compute nothing themselves (tests, drivers, fuzz targets):
# a fifth to a third less to compile than with -O1. The libraries keep their flags.
function(pajamas_unoptimized target)
  if(PAJAMAS_UNITY)
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

function(pajamas_test_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  pajamas_unity(${name})
  pajamas_unoptimized(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} pajamas_options GTest::gtest_main GTest::gmock)
  target_compile_definitions(${name} PRIVATE PJ_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # NO_PRETTY_VALUES: a parameter keeps the name its test gives it, never its bytes in memory.
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES PROPERTIES TIMEOUT 300)
endfunction()

function(pajamas_layer name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lib/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(NOT sources)
    return()
  endif()
  set(PJ_EXTERNALS "")
  set(PJ_ALONE FALSE)
  include(${PROJECT_SOURCE_DIR}/lib/${name}/externals.cmake OPTIONAL)
  add_library(pajamas_${name} STATIC ${sources})
  target_include_directories(pajamas_${name} PUBLIC ${PROJECT_SOURCE_DIR}/lib)
  if(NOT PJ_ALONE)
    pajamas_unity(pajamas_${name})
  endif()
  foreach(dep ${ARG_DEPS})
    if(TARGET pajamas_${dep})
      target_link_libraries(pajamas_${name} PUBLIC pajamas_${dep})
    endif()
  endforeach()
  target_link_libraries(pajamas_${name} PUBLIC ${PJ_EXTERNALS} PRIVATE pajamas_options)
  if(tests AND PAJAMAS_BUILD_TESTS)
    pajamas_test_program(pajamas_${name}_test SOURCES ${tests} LINK pajamas_${name})
  endif()
endfunction()

function(pajamas_layers_from file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(STRINGS ${file} lines REGEX "^[a-z]")
  foreach(line ${lines})
    string(REGEX MATCH "^([a-z_]+):(.*)$" _ "${line}")
    set(layer ${CMAKE_MATCH_1})
    string(REGEX MATCHALL "[a-z_]+" deps "${CMAKE_MATCH_2}")
    pajamas_layer(${layer} DEPS ${deps})
  endforeach()
endfunction()
