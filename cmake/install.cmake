# What `cmake --install` puts beside the program, and the Debian package of all that is installed (scripts/package).

# The manual and the completions are written by a program of the same tables.
add_executable(pghaul_manual src/cli/manual_main.cc)
target_link_libraries(pghaul_manual PRIVATE pghaul_cli)
set(made ${CMAKE_BINARY_DIR}/share)
find_program(GZIP gzip REQUIRED)
function(pghaul_make kind file filter)
  add_custom_command(OUTPUT ${made}/${file} DEPENDS pghaul_manual VERBATIM
                     COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
                     COMMAND sh -c "\"$1\" \"$2\" | ${filter} >\"$3\"" sh
                             $<TARGET_FILE:pghaul_manual> ${kind} ${made}/${file})
  list(APPEND made_files ${made}/${file})
  set(made_files ${made_files} PARENT_SCOPE)
endfunction()
pghaul_make(man pghaul.1.gz "${GZIP} -9n")
pghaul_make(bash pghaul.bash cat)
pghaul_make(zsh _pghaul cat)
add_custom_target(pghaul_share ALL DEPENDS ${made_files})

set(PGHAUL_ZSH_DIR ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING "Where zsh looks for completions")
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # tests are not installed, so they need not be built for it
install(TARGETS pghaul RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${made}/pghaul.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${made}/pghaul.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME pghaul)
install(FILES ${made}/_pghaul DESTINATION ${PGHAUL_ZSH_DIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES README.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
file(GLOB documents CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/*.md)
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)  # as README.md links to them

set(PGHAUL_MAINTAINER "the pghaul developers <pghaul@localhost>" CACHE STRING "Who answers for the Debian package")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pghaul)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${PGHAUL_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "copies PostgreSQL tables exactly once, restartable at any point")
set(CPACK_PACKAGE_DESCRIPTION "pghaul copies tables from one PostgreSQL server to another, gently to the
source. The record of what is done lies in the target database and changes
in the same transaction as the rows, so that every row arrives exactly once,
whatever breaks on the way; typed again, the same command continues.")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql, postgresql-client")  # for pghaul demo
# Debian wants a log of changes, whose date is that of what is packaged (SOURCE_DATE_EPOCH).
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(CONFIGURE OUTPUT ${made}/changelog @ONLY CONTENT "@CPACK_PACKAGE_NAME@ (@PROJECT_VERSION@) unstable; urgency=medium

  * Version @PROJECT_VERSION@.

 -- @CPACK_PACKAGE_CONTACT@  @now@
")
execute_process(COMMAND ${GZIP} -9nf ${made}/changelog COMMAND_ERROR_IS_FATAL ANY)
install(FILES ${made}/changelog.gz DESTINATION ${CMAKE_INSTALL_DOCDIR})
include(CPack)
