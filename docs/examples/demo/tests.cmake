# SPDX-License-Identifier: MIT
# The demo as a test: all exchanges and a short transfer, what tshark says to its capture, and the tour in
# docs/ against what the demo prints and draws.
set(capture ${CMAKE_CURRENT_BINARY_DIR}/test.pcapng)
add_test(NAME demo/run COMMAND demo --plain --size 2 --pcap ${capture})
set_tests_properties(demo/run PROPERTIES LABELS demo TIMEOUT 120 FIXTURES_SETUP demo_capture)

add_test(NAME demo/capture COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/check_capture.sh ${capture})
set_tests_properties(demo/capture PROPERTIES
    LABELS demo TIMEOUT 120 FIXTURES_REQUIRED demo_capture SKIP_RETURN_CODE 77)

add_test(NAME demo/unknown_name COMMAND demo --only hanshake)
set_tests_properties(demo/unknown_name PROPERTIES LABELS demo
    PASS_REGULAR_EXPRESSION "no exchange is called \"hanshake\"; the nearest name is \"handshake\"")

add_test(NAME docs/tour COMMAND ${CMAKE_COMMAND} -DDEMO=$<TARGET_FILE:demo> -DDOCS=${PROJECT_SOURCE_DIR}/docs
    -DWORK=${CMAKE_CURRENT_BINARY_DIR} -P ${CMAKE_CURRENT_SOURCE_DIR}/check_tour.cmake)
set_tests_properties(docs/tour PROPERTIES LABELS docs TIMEOUT 60)
add_dependencies(check_docs demo)

if(TARGET regenerate_docs)
    add_custom_target(regenerate_tour COMMAND ${CMAKE_COMMAND} -DUPDATE=ON -DDEMO=$<TARGET_FILE:demo>
        -DDOCS=${PROJECT_SOURCE_DIR}/docs -DWORK=${CMAKE_CURRENT_BINARY_DIR}
        -P ${CMAKE_CURRENT_SOURCE_DIR}/check_tour.cmake VERBATIM)
    add_dependencies(regenerate_tour demo)
    add_dependencies(regenerate_docs regenerate_tour)
endif()
