# The library for programs, libpghaul.so: all rooms but the command line in one, of which nothing shows but what the
# headers of include/pghaul declare. So programs need none of the libraries that pghaul itself stands on to compile.
set(library_rooms base pg catalog plan database ledger source sink pipeline diff command)
list(TRANSFORM library_rooms PREPEND pghaul_ OUTPUT_VARIABLE library_targets)
list(TRANSFORM library_targets REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE library_archives)

file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/empty.cc CONTENT "")
add_library(pghaul_library SHARED ${CMAKE_BINARY_DIR}/empty.cc)
add_library(pghaul::pghaul ALIAS pghaul_library)
add_dependencies(pghaul_library ${library_targets})
set(exported ${CMAKE_SOURCE_DIR}/cmake/exported_symbols)
set_target_properties(pghaul_library PROPERTIES
  OUTPUT_NAME pghaul EXPORT_NAME pghaul VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}  # as long as it is 0.x, every 0.x breaks with the last
  LINK_DEPENDS "${exported};${library_archives}")
target_link_libraries(pghaul_library PRIVATE -Wl,--whole-archive ${library_archives} -Wl,--no-whole-archive
                      PostgreSQL::PostgreSQL fmt::fmt spdlog::spdlog Threads::Threads)
target_link_options(pghaul_library PRIVATE -Wl,--version-script=${exported})
target_compile_features(pghaul_library INTERFACE cxx_std_20)
target_include_directories(pghaul_library INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# Programs that show its use. docs/library.md shows them and what they print.
foreach(name in_memory pg_to_pg)
  add_executable(example_${name} examples/${name}.cc)
  target_link_libraries(example_${name} PRIVATE pghaul::pghaul)
  set_target_properties(example_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/examples)
endforeach()

# find_package(pghaul) and pkg-config.
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/pghaul-config-version.cmake COMPATIBILITY SameMinorVersion)
# Wherever it is installed to, it knows its place.
file(RELATIVE_PATH pghaul_prefix_from_pkgconfig /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/pghaul.pc.in ${CMAKE_BINARY_DIR}/pghaul.pc @ONLY)
install(TARGETS pghaul_library EXPORT pghaul LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT pghaul FILE pghaul-config.cmake NAMESPACE pghaul:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pghaul)
install(FILES ${CMAKE_BINARY_DIR}/pghaul-config-version.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pghaul)
install(FILES ${CMAKE_BINARY_DIR}/pghaul.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY include/pghaul DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.cc")

# The reference, in build/PRESET/reference.
find_program(DOXYGEN doxygen)
if(DOXYGEN)
  add_custom_target(reference WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} VERBATIM
                    COMMAND sh -c "(cat docs/Doxyfile; echo \"OUTPUT_DIRECTORY = $1\") | \"$2\" -" sh
                            ${CMAKE_BINARY_DIR}/reference ${DOXYGEN})
endif()
