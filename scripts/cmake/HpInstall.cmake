# cmake --install BUILD --prefix PREFIX: everything in PREFIX/lib/hyplan as in the source tree, so that
# programs find their parts beside them and their files above; links in PREFIX/bin; a systemd unit; manual pages.
set(home lib/hyplan)
set(programs hyplan hyplan-bridge hyplan-planner hyplan-predictor hyplan-policy hyplan-pomdp
    hyplan-recorder hyplan-view hyplan-carla-standin)
install(TARGETS ${programs} RUNTIME DESTINATION ${home}/bin)
install(DIRECTORY config models scenarios DESTINATION ${home})
install(FILES README.md LICENSE DESTINATION ${home})
foreach(program hyplan hyplan-view hyplan-carla-standin)
    install(CODE "file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/bin\")
        file(CREATE_LINK ../${home}/bin/${program}
            \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/bin/${program}\" SYMBOLIC)")
endforeach()
# The prefix is known when it is installed, not before.
install(CODE "set(HYPLAN_HOME \"\${CMAKE_INSTALL_PREFIX}/${home}\")
    configure_file(\"${CMAKE_SOURCE_DIR}/packaging/hyplan.service.in\"
        \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/hyplan.service\" @ONLY)")
# What the programs say of themselves, as manual pages.
set(man ${CMAKE_BINARY_DIR}/man)
set(man_pages ${CMAKE_SOURCE_DIR}/scripts/cmake/man-pages)
add_custom_command(OUTPUT ${man}/man1/hyplan.1
    COMMAND ${man_pages} ${CMAKE_RUNTIME_OUTPUT_DIRECTORY} ${man} ${PROJECT_VERSION}
    DEPENDS ${programs} ${man_pages} VERBATIM)
add_custom_target(man ALL DEPENDS ${man}/man1/hyplan.1)
install(DIRECTORY ${man}/ DESTINATION share/man)
