# A folder's CMakeLists.txt is a list of files: these helpers say the rest.

# hp_library(NAME SOURCES... LIBS...): static library of a folder's cores.
function(hp_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC ${ARG_LIBS} m PRIVATE hp_flags)
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()

# hp_program(NAME SOURCES... LIBS...): a program in build/<preset>/bin.
function(hp_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LIBS} hp_flags m)
endfunction()

# hp_hot(FILES...): hot kernels, in files of their own, get -O3.
function(hp_hot)
    if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
        set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-O3")
    endif()
endfunction()

# hp_test(NAME SOURCES... LIBS... LABELS... TIMEOUT seconds): one cmocka program, one ctest entry.
# Tests run with the source tree as working directory.
function(hp_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 900) # against hangs only: tests do not depend on speed
    endif()
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LIBS} PkgConfig::CMOCKA hp_flags m)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
        SKIP_RETURN_CODE 77)
endfunction()
