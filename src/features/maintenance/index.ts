export {
  type Maintenance,
  maintenanceOf,
  NOTICE_LENGTH_MAX,
  type Notice,
  REASON_LENGTH_MAX,
  refuseInMaintenance,
  switchMaintenance,
} from "./switch.ts";
