// Gives memory back at once. The garbage collector comes to buffers late: it looks when tens of megabytes of them have piled up, and
// what passes through a server in pieces would stand in memory as a whole until then.

/**
 * Frees the memory of bytes that nobody reads any more; they are empty then. Does nothing to bytes that share their memory, as
 * Node's small buffers do, and nothing before Node 21, which cannot.
 */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && 'transfer' in buffer)
    buffer.transfer(0)
}
