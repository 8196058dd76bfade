# The sources that the programs are made of: what may change a row of a benchmark. Pages that are built
# in, tests and documents are not among them.
set(HP_PROGRAM_FOLDERS common proto sim-bridge predictor policy pomdp planner cli)

# hp_source_files(OUT ROOT [CONFIGURE_DEPENDS]): their paths from ROOT, in order.
function(hp_source_files out root)
    set(patterns CMakeLists.txt scripts/cmake/*.cmake)
    set(deep)
    foreach(folder ${HP_PROGRAM_FOLDERS})
        foreach(kind *.c *.h *.h.in *.def *.proto CMakeLists.txt)
            list(APPEND deep ${root}/${folder}/${kind})
        endforeach()
    endforeach()
    list(TRANSFORM patterns PREPEND ${root}/)
    file(GLOB near RELATIVE ${root} ${ARGN} ${patterns})
    file(GLOB_RECURSE far RELATIVE ${root} ${ARGN} ${deep})
    set(files ${near} ${far})
    list(SORT files)
    set(${out} ${files} PARENT_SCOPE)
endfunction()

# hp_source_id(OUT ROOT): one hash of their names and contents. Needs no git, and is the same for every
# build of the same files.
function(hp_source_id out root)
    hp_source_files(files ${root})
    set(all "")
    foreach(file ${files})
        file(SHA256 ${root}/${file} hash)
        string(APPEND all "${hash}  ${file}\n")
    endforeach()
    string(SHA256 id "${all}")
    string(SUBSTRING ${id} 0 16 id)
    set(${out} ${id} PARENT_SCOPE)
endfunction()
