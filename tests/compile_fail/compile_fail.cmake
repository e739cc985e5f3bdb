# SPDX-License-Identifier: MIT
# cmake -DCOMPILER=... -DFLAGS=... -DSOURCE=... -DLINE=good|bad -P compile_fail.cmake
cmake_minimum_required(VERSION 3.24)

file(STRINGS ${SOURCE} expectations REGEX "^// expect: ")
file(STRINGS ${SOURCE} guard REGEX "^#ifdef TCPFSM_BAD_LINE$")
if(NOT expectations OR NOT guard)
    message(FATAL_ERROR "${SOURCE} needs a line `// expect: <regex>` and a block `#ifdef TCPFSM_BAD_LINE`.")
endif()

set(ENV{LC_ALL} C)
if(LINE STREQUAL "bad")
    list(APPEND FLAGS -DTCPFSM_BAD_LINE)
endif()
execute_process(COMMAND ${COMPILER} ${FLAGS} -fsyntax-only ${SOURCE}
    RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)

if(LINE STREQUAL "good")
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "This must compile, and does not:\n${said}")
    endif()
    return()
endif()
if(result EQUAL 0)
    message(FATAL_ERROR "This must not compile, and does.")
endif()
foreach(expectation IN LISTS expectations)
    string(REGEX REPLACE "^// expect: " "" expectation "${expectation}")
    if(NOT said MATCHES "${expectation}")
        message(FATAL_ERROR "The compiler must say \"${expectation}\", and says:\n${said}")
    endif()
endforeach()
