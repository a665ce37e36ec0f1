import { showPage } from "../shared/shell.tsx";
import { Panel } from "./panel.tsx";

showPage(() => <Panel />);
