# Which sources a program was made of, as `hyplan --version` tells it.
# usage: cmake [-DROOT=TREE] -P scripts/cmake/source_id.cmake               prints that of a tree
#        cmake -DOUT=FILE.c -P scripts/cmake/source_id.cmake                for the build
cmake_minimum_required(VERSION 3.22)
include(${CMAKE_CURRENT_LIST_DIR}/HpSourceId.cmake)
if(NOT ROOT)
    get_filename_component(ROOT ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
endif()
hp_source_id(id ${ROOT})
if(OUT)
    file(WRITE ${OUT} "#include \"cli/version.h\"\n\nconst char CLI_SOURCES[] = \"${id}\";\n")
else()
    execute_process(COMMAND ${CMAKE_COMMAND} -E echo ${id})
endif()
