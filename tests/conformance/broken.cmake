# SPDX-License-Identifier: MIT
# With TCPFSM_BROKEN: the test programs are built against headers that can be broken (break.py), and
# run_broken sees whether the tests notice.

find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
set(break ${CMAKE_CURRENT_LIST_DIR}/break.py)
set(broken_include ${PROJECT_BINARY_DIR}/include)
file(GLOB_RECURSE breakable CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/*.hpp ${CMAKE_CURRENT_LIST_DIR}/broken/*.toml)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${break} ${breakable})
execute_process(COMMAND ${Python3_EXECUTABLE} ${break} --rewrite ${broken_include} COMMAND_ERROR_IS_FATAL ANY)
target_include_directories(tcpfsm_test_support BEFORE PUBLIC ${broken_include})
# What is never broken at compile time must be required at run time.
target_compile_definitions(tcpfsm_test_support PUBLIC CATCH_CONFIG_RUNTIME_STATIC_REQUIRE TCPFSM_BROKEN)

set(programs "")
foreach(folder IN ITEMS arrives calls timers parts properties recovery conformance)  # theorems are proved, not run
    if(TARGET test_${folder})
        list(APPEND programs test_${folder})
    endif()
endforeach()
list(TRANSFORM programs REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE files)
add_custom_target(run_broken
    COMMAND ${Python3_EXECUTABLE} ${break} --programs ${files}
    DEPENDS ${programs} USES_TERMINAL VERBATIM)
