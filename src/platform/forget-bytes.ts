/**
 * Gives the memory of bytes back at once; nobody may use them any more, and whoever looks finds none. Left to the collector, several
 * megabytes of each request wait for their end, and the next ones come to lie in memory that the system has to clear first.
 */
export function forgetBytes({ buffer, byteLength }: Uint8Array): void {
  // A view of something larger is not all there is to it.
  if (byteLength > 0 && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
