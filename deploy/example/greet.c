/* greet: an example function of the `command` kind.  The request's body is on standard input, its
   facts are in the environment (CGI/1.1), and what it prints is the answer. */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  char name[256];
  size_t length = fread(name, 1, sizeof name - 1, stdin);
  while (length > 0 && (name[length - 1] == '\n' || name[length - 1] == '\r')) --length;
  name[length] = '\0';
  const char *method = getenv("REQUEST_METHOD");
  fprintf(stderr, "greeting %zu bytes of name\n", length); /* goes to the function's log */
  printf("Content-Type: text/plain\n\nHello, %s! (by %s)\n", length > 0 ? name : "world",
         method != NULL ? method : "?");
  return 0;
}
