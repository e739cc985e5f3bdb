# SPDX-License-Identifier: MIT
# Preprocesses tcpfsm/machine.hpp: of this library it may include its own four headers and no other.
cmake_minimum_required(VERSION 3.24)
execute_process(COMMAND ${COMPILER} ${FLAGS} -I${INCLUDE} -x c++ -M ${INCLUDE}/tcpfsm/machine.hpp
    OUTPUT_VARIABLE needs COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "${INCLUDE}/" " " needs "${needs}")  # the clone may lie in a folder named tcpfsm
string(REGEX MATCHALL "tcpfsm/[a-z_/]+\\.hpp" headers "${needs}")
list(SORT headers)
list(REMOVE_DUPLICATES headers)
set(expected tcpfsm/action.hpp tcpfsm/event.hpp tcpfsm/machine.hpp tcpfsm/state.hpp tcpfsm/table.hpp)
if(NOT headers STREQUAL expected)
    message(FATAL_ERROR "tcpfsm/machine.hpp includes\n  ${headers}\nand not just\n  ${expected}")
endif()
