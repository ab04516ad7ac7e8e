// What `tidectl completion bash` prints.
#pragma once

namespace tidepool::daemon {

inline constexpr char kBashCompletion[] = R"bash(_tidectl() {
  local word=${COMP_WORDS[COMP_CWORD]} noun=${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "tenant module function route invoke logs pool run compile inspect completion version" -- "$word"))
  elif [ "$COMP_CWORD" -eq 2 ]; then
    case $noun in
      tenant) COMPREPLY=($(compgen -W "create set get list delete" -- "$word")) ;;
      module) COMPREPLY=($(compgen -W "list delete" -- "$word")) ;;
      function) COMPREPLY=($(compgen -W "deploy get list delete revisions" -- "$word")) ;;
      route) COMPREPLY=($(compgen -W "add list delete" -- "$word")) ;;
      pool) COMPREPLY=($(compgen -W "status slots verify" -- "$word")) ;;
      completion) COMPREPLY=($(compgen -W "bash" -- "$word")) ;;
      *) COMPREPLY=($(compgen -f -- "$word")) ;;
    esac
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -F _tidectl tidectl
)bash";

}  // namespace tidepool::daemon
