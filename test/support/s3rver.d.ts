declare module "@20minutes/s3rver" {
  /** A bucket that is there from the start, with its CORS configuration as XML. */
  interface ConfiguredBucket {
    name: string;
    configs?: readonly (string | Buffer)[];
  }

  export default class S3rver {
    constructor(options: {
      address: string;
      port: number;
      directory: string;
      silent: boolean;
      vhostBuckets: boolean;
      configureBuckets: readonly ConfiguredBucket[];
    });
    run(): Promise<{ port: number }>;
  }
}
