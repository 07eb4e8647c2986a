// The entry of the command line as one executable file, into which Node takes a script, and no module that waits at its top.
import { start } from './start.ts'

void start()
