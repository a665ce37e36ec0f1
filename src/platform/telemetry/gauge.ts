/** One value of a gauge. Labels hold words of a short list, never ids, paths or anything from outside. */
export interface Sample {
  labels?: Readonly<Record<string, string>>;
  value: number;
}

/** A number that is looked up when somebody asks for the metrics. */
export interface GaugeSource {
  name: string;
  help: string;
  labels: readonly string[];
  read(): readonly Sample[];
}
