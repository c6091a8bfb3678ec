# SPDX-License-Identifier: Apache-2.0
# Programs that compare with peers at run time. They build without the peers; `make interop` runs
# them.
add_executable(codec_oracle ${CMAKE_CURRENT_LIST_DIR}/codec_oracle.cc)
target_link_libraries(codec_oracle PRIVATE pajamas_codecs pajamas_options fmt::fmt ${CMAKE_DL_LIBS})

add_executable(logits_driver ${CMAKE_CURRENT_LIST_DIR}/logits_driver.cc)
target_link_libraries(logits_driver PRIVATE pajamas_runtime pajamas_options CLI11::CLI11)
