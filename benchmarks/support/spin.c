/* Never ends by itself: the function of daemon.kill_latency. */
int main(void) {
  for (volatile unsigned i = 0;; ++i) {
  }
}
