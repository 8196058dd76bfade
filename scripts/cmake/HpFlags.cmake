# Flags of our own code, on the interface target hp_flags. Generated code is built without them.
add_library(hp_flags INTERFACE)

target_compile_definitions(hp_flags INTERFACE _POSIX_C_SOURCE=200809L)
target_include_directories(hp_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(hp_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wundef -Wvla
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wcast-qual -Wpointer-arith
    -Wwrite-strings -Wformat=2 -Wswitch-enum -Wnull-dereference -Wimplicit-fallthrough
    -fno-common -ffp-contract=off -fstack-protector-strong)

if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # clang counts INFINITY and NAN, which are of type float, as promotions.
    target_compile_options(hp_flags INTERFACE -Wdouble-promotion)
    target_compile_options(hp_flags INTERFACE
        -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wcast-align=strict -Wstack-usage=8192)
endif()
if(HYPLAN_WERROR)
    target_compile_options(hp_flags INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
    target_compile_definitions(hp_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(HYPLAN_SANITIZE)
    add_compile_options(-fsanitize=${HYPLAN_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${HYPLAN_SANITIZE})
endif()
if(HYPLAN_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(HYPLAN_COVERAGE)
    add_compile_options(--coverage -O0)
    add_link_options(--coverage)
endif()
