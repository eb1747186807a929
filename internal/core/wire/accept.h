// accept_turned_away is how many connections accept4 (accept.c) has closed at once, in the life of this process.
long accept_turned_away(void);
