# SPDX-License-Identifier: MIT
# cmake -DDEMO=<program> -DDOCS=<folder> -DWORK=<folder> -P check_tour.cmake: the trace in tour.md, all of its
# blocks that begin with ```trace, is what the demo prints, and tour.svg what it draws.
# With -DUPDATE=ON tour.svg is drawn anew; the trace in tour.md is edited by hand.
cmake_minimum_required(VERSION 3.24)
execute_process(COMMAND ${DEMO} --plain --only tour --svg ${WORK}/tour.svg
    OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
if(UPDATE)
    configure_file(${WORK}/tour.svg ${DOCS}/tour.svg COPYONLY)
endif()

file(READ ${DOCS}/tour.md document)
set(trace "")
while(document MATCHES "```trace\n([^`]*)```")
    string(APPEND trace "${CMAKE_MATCH_1}")
    string(FIND "${document}" "```trace\n" at)
    math(EXPR at "${at} + 9")
    string(SUBSTRING "${document}" ${at} -1 document)
endwhile()
string(LENGTH "${trace}" length)
string(FIND "${printed}" "seconds  client" begin)
string(SUBSTRING "${printed}" ${begin} -1 printed)
string(FIND "${printed}" "\n" begin)
math(EXPR begin "${begin} + 1")
string(FIND "${printed}" "\n\n" end)
math(EXPR size "${end} + 1 - ${begin}")
string(SUBSTRING "${printed}" ${begin} ${size} printed)
if(NOT trace STREQUAL printed)
    message(FATAL_ERROR "docs/tour.md does not show what `demo --plain --only tour` prints:\n${printed}\nIt shows:\n${trace}")
endif()

execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${WORK}/tour.svg ${DOCS}/tour.svg RESULT_VARIABLE differs)
if(differs)
    message(FATAL_ERROR "docs/tour.svg is not what `demo --only tour --svg docs/tour.svg` draws.")
endif()
