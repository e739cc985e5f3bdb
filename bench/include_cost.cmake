# SPDX-License-Identifier: MIT
# What `#include <tcpfsm/tcpfsm.hpp>` costs, beside the standard headers that it brings along: medians of 5 compiles.
# cmake -DCOMPILER=... -DSTANDARD=... -DINCLUDE=... -DWORK=... -P include_cost.cmake
cmake_minimum_required(VERSION 3.24)

set(umbrella ${WORK}/include_umbrella.cpp)
set(standard ${WORK}/include_standard.cpp)
file(WRITE ${umbrella} "#include <tcpfsm/tcpfsm.hpp>\n")

# The standard headers are those that the library's headers name.
execute_process(COMMAND ${COMPILER} ${STANDARD} -I${INCLUDE} -MM ${umbrella}
    OUTPUT_VARIABLE needs COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^ \\\\\n]+\\.hpp" headers "${needs}")
list(LENGTH headers count)
foreach(header IN LISTS headers)
    file(STRINGS ${header} lines REGEX "^#include <[a-z_0-9]+>")
    list(APPEND includes ${lines})
endforeach()
list(REMOVE_DUPLICATES includes)
list(SORT includes)
list(LENGTH includes standard_count)
list(JOIN includes "\n" includes)
file(WRITE ${standard} "${includes}\n")

function(median_of_5 source result)
    set(times)
    foreach(i RANGE 1 5)
        string(TIMESTAMP begin "%s%f")
        execute_process(COMMAND ${COMPILER} ${STANDARD} -I${INCLUDE} -fsyntax-only ${source} COMMAND_ERROR_IS_FATAL ANY)
        string(TIMESTAMP end "%s%f")
        math(EXPR time "(${end} - ${begin}) / 1000")
        list(APPEND times ${time})
    endforeach()
    list(SORT times COMPARE NATURAL)
    list(GET times 2 median)
    set(${result} ${median} PARENT_SCOPE)
endfunction()

median_of_5(${umbrella} with)
median_of_5(${standard} without)
math(EXPR own "${with} - ${without}")
execute_process(COMMAND ${CMAKE_COMMAND} -E echo
    "include <tcpfsm/tcpfsm.hpp>  ${with} ms: ${standard_count} standard headers ${without} ms, ${count} of ours ${own} ms")
