# SPDX-License-Identifier: MIT
# cmake -DPROGRAM=<test_differential> -DDOCUMENT=<design.md> -DUPDATE=ON|OFF -P table.cmake
# Puts the rules' table between its marks in the document, or fails if it says something else.
cmake_minimum_required(VERSION 3.24)
execute_process(COMMAND ${PROGRAM} --table OUTPUT_VARIABLE table COMMAND_ERROR_IS_FATAL ANY)
set(begin "<!-- known.cpp: begin -->\n")
set(end "<!-- known.cpp: end -->\n")

file(READ ${DOCUMENT} text)
string(FIND "${text}" "${begin}" from)
string(FIND "${text}" "${end}" to)
if(from LESS 0 OR to LESS from)
    message(FATAL_ERROR "${DOCUMENT} has no place for the table")
endif()
string(LENGTH "${begin}" size)
math(EXPR from "${from} + ${size}")
string(SUBSTRING "${text}" 0 ${from} before)
string(SUBSTRING "${text}" ${to} -1 after)
set(wanted "${before}${table}${after}")
if(wanted STREQUAL text)
    return()
endif()
if(NOT UPDATE)
    message(FATAL_ERROR "tests/differential/known.cpp says something else than docs/design.md.\n"
        "Run: cmake --build <build> --target regenerate_docs")
endif()
file(WRITE ${DOCUMENT} "${wanted}")
message(STATUS "docs/design.md is new")
