# SPDX-License-Identifier: GPL-2.0-or-later
#
# fish completion for dmaheapctl. Verbs and options are those that it tells itself.

function __dmaheapctl_verbs
    dmaheapctl help | sed -n '/^  [a-z]/{s/^  \([a-z]*\).*/\1/;h;n;s/^\t//;H;x;s/\n/\t/;p;}'
end

function __dmaheapctl_options
    set -l words (commandline -opc)
    dmaheapctl help $words[2] 2>/dev/null | string match -ra -- '--[a-z]*'
    echo --help
end

complete -c dmaheapctl -n '__fish_is_nth_token 1' -f -a '(__dmaheapctl_verbs)'
complete -c dmaheapctl -n '__fish_seen_subcommand_from help' -f -a '(__dmaheapctl_verbs)'
complete -c dmaheapctl -n 'not __fish_is_nth_token 1; and string match -q -- "-*" (commandline -ct)' \
    -f -a '(__dmaheapctl_options)'
complete -c dmaheapctl -n '__fish_seen_subcommand_from resize upgrade' -x -a '(__fish_complete_directories)'
complete -c dmaheapctl -n '__fish_seen_subcommand_from heaps' -f
