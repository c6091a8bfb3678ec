# SPDX-License-Identifier: Apache-2.0
# Programs that compare with peers at run time. They build without the peers; `make interop` runs
# them.
add_executable(codec_oracle ${CMAKE_CURRENT_LIST_DIR}/codec_oracle.cc)
target_link_libraries(codec_oracle PRIVATE pajamas_codecs pajamas_options fmt::fmt ${CMAKE_DL_LIBS})

add_executable(sampling_probe ${CMAKE_CURRENT_LIST_DIR}/sampling_probe.cc)
target_link_libraries(sampling_probe PRIVATE pajamas_sampling pajamas_options)

add_executable(chat_template_driver ${CMAKE_CURRENT_LIST_DIR}/chat_template_driver.cc)
target_link_libraries(chat_template_driver PRIVATE pajamas_text pajamas_options)

add_executable(tokenize_program ${CMAKE_CURRENT_LIST_DIR}/tokenize_program.cc)
target_link_libraries(tokenize_program PRIVATE pajamas_text pajamas_formats pajamas_options
  fmt::fmt)

add_executable(logits_driver ${CMAKE_CURRENT_LIST_DIR}/logits_driver.cc)
target_link_libraries(logits_driver PRIVATE pajamas_runtime pajamas_options CLI11::CLI11)

add_executable(tasks_driver ${CMAKE_CURRENT_LIST_DIR}/tasks_driver.cc)
target_link_libraries(tasks_driver PRIVATE pajamas_evaluate pajamas_options CLI11::CLI11)

add_executable(report_driver ${CMAKE_CURRENT_LIST_DIR}/report_driver.cc)
target_link_libraries(report_driver PRIVATE pajamas_evaluate pajamas_options)

foreach(driver chat_template_driver logits_driver report_driver tasks_driver)
  pajamas_unoptimized(${driver})
endforeach()
