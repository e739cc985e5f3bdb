# SPDX-License-Identifier: MIT
# cmake -DHOW=<way> -DCOMPILER=... -DFLAGS=... -DSTANDARD=... -DGENERATOR=... -DSOURCE=... -DBUILD=... -DWORK=... -P ...
cmake_minimum_required(VERSION 3.24)

set(here ${CMAKE_CURRENT_LIST_DIR})
set(units ${here}/project/main.cpp ${here}/project/other.cpp)
set(prefix ${WORK}/prefix)
set(out ${WORK}/${HOW})

function(run)
    execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Compile and run the program by hand.
function(by_hand)
    file(MAKE_DIRECTORY ${out})
    run(${COMPILER} ${FLAGS} ${STANDARD} ${ARGN} -o ${out}/program)
    run(${out}/program)
endfunction()

# Configure, build and run the program as a project of its own.
function(as_project)
    file(REMOVE_RECURSE ${out})
    list(JOIN FLAGS " " flags)
    run(${CMAKE_COMMAND} -S ${here}/project -B ${out} -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
        "-DCMAKE_CXX_FLAGS=${flags}" -DHOW=${HOW} ${ARGN})
    run(${CMAKE_COMMAND} --build ${out})
    run(${out}/program)
endfunction()

if(HOW STREQUAL "add_subdirectory")
    as_project(-DTCPFSM=${SOURCE})
elseif(HOW STREQUAL "install")
    file(REMOVE_RECURSE ${prefix})
    run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
elseif(HOW STREQUAL "find_package")
    as_project(-DCMAKE_PREFIX_PATH=${prefix})
elseif(HOW STREQUAL "pkg_config")
    find_program(pkg_config NAMES pkg-config pkgconf)
    if(NOT pkg_config)
        message(STATUS "SKIP: pkg-config is not installed")
        return()
    endif()
    set(ENV{PKG_CONFIG_PATH} ${prefix}/share/pkgconfig)
    execute_process(COMMAND ${pkg_config} --cflags --libs tcpfsm
        OUTPUT_VARIABLE cflags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    separate_arguments(cflags NATIVE_COMMAND "${cflags}")
    by_hand(${cflags} ${units})
elseif(HOW STREQUAL "two_units")
    by_hand(-I${SOURCE}/include ${units})
elseif(HOW STREQUAL "no_exceptions_no_rtti")
    by_hand(-I${SOURCE}/include -fno-exceptions -fno-rtti ${units})
elseif(HOW STREQUAL "no_heap")
    by_hand(-I${SOURCE}/include ${units} ${here}/poisoned_new.cpp)
else()
    message(FATAL_ERROR "consume.cmake does not know how to \"${HOW}\".")
endif()
