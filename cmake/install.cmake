# What `cmake --install` puts beside the program, and the Debian package of it all (scripts/package).

# The manual and the completions are written by a program of the same tables.
add_executable(pghaul_manual src/cli/manual_main.cc)
target_link_libraries(pghaul_manual PRIVATE pghaul_cli)
set(made ${CMAKE_BINARY_DIR}/share)
foreach(pair man:pghaul.1 bash:pghaul.bash zsh:_pghaul)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 kind)
  list(GET pair 1 file)
  add_custom_command(OUTPUT ${made}/${file} DEPENDS pghaul_manual VERBATIM
                     COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
                     COMMAND sh -c "\"$1\" \"$2\" >\"$3\"" sh $<TARGET_FILE:pghaul_manual> ${kind} ${made}/${file})
  list(APPEND made_files ${made}/${file})
endforeach()
add_custom_target(pghaul_share ALL DEPENDS ${made_files})

install(TARGETS pghaul RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
