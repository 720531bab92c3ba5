//! Programs that sign in by themselves, as people use them: each knows the address of a virtual server and finds a browser.
