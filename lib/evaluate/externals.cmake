# SPDX-License-Identifier: Apache-2.0
# The default corpus becomes a string literal, so that the program is one file. Included with the
# layer's `sources` in scope.
set(PJ_EXTERNALS "")
set(corpus_path ${PROJECT_SOURCE_DIR}/lib/evaluate/corpus/parents_assistant.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${corpus_path})
file(READ ${corpus_path} DEFAULT_CORPUS)
configure_file(${PROJECT_SOURCE_DIR}/lib/evaluate/corpus/default_corpus.cc.in
               ${CMAKE_BINARY_DIR}/generated/default_corpus.cc @ONLY)
list(APPEND sources ${CMAKE_BINARY_DIR}/generated/default_corpus.cc)
