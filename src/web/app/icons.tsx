import type { ComponentChildren } from "preact";

/** Drawn here, so that nothing is fetched; they take the colour of the text around them. */
export function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      width="24"
      height="24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export const TryOnIcon = () => (
  <Icon>
    <path d="M12 8V7a2 2 0 1 1 2-2M12 8 3.5 14.5c-.9.7-.4 2 .7 2H8M12 8l8.5 6.5c.9.7.4 2-.7 2H16M8 13.5V20h8v-6.5" />
  </Icon>
);
export const EditIcon = () => (
  <Icon>
    <path d="M4 20l1-4L16 5l3 3L8 19l-4 1zM14 7l3 3M18 14v5M15.5 16.5h5" />
  </Icon>
);
export const PicturesIcon = () => (
  <Icon>
    <rect x="3.5" y="4.5" width="17" height="15" rx="3" />
    <circle cx="9" cy="10" r="1.6" />
    <path d="M4 17l5-4 3.5 3 3-2.5L20 17" />
  </Icon>
);
export const ShopIcon = () => (
  <Icon>
    <path d="M5 8h14l-1 11.5H6L5 8zM9 8V7a3 3 0 0 1 6 0v1" />
  </Icon>
);
export const MoreIcon = () => (
  <Icon>
    <path d="M5 7h14M5 12h14M5 17h14" />
  </Icon>
);
export const BackIcon = () => (
  <Icon>
    <path d="M15 5l-7 7 7 7" />
  </Icon>
);
export const ForwardIcon = () => (
  <Icon>
    <path d="M9 5l7 7-7 7" />
  </Icon>
);
export const CameraIcon = () => (
  <Icon>
    <path d="M4 8h3l1.5-2.5h7L17 8h3v11H4V8z" />
    <circle cx="12" cy="13" r="3.2" />
  </Icon>
);
export const AddPhotoIcon = () => (
  <Icon>
    <rect x="3.5" y="4.5" width="17" height="15" rx="3" />
    <path d="M12 9v6M9 12h6" />
  </Icon>
);
export const SendIcon = () => (
  <Icon>
    <path d="M4 11.5 20 4l-4.5 16-4-6.5L4 11.5zM11.5 13.5 20 4" />
  </Icon>
);
export const DownloadIcon = () => (
  <Icon>
    <path d="M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14" />
  </Icon>
);
export const AgainIcon = () => (
  <Icon>
    <path d="M19 12a7 7 0 1 1-2-5l2 2M19 4.5V9h-4.5" />
  </Icon>
);
export const DeleteIcon = () => (
  <Icon>
    <path d="M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5" />
  </Icon>
);
export const WarningIcon = () => (
  <Icon>
    <path d="M12 4 3 20h18L12 4zM12 10v5M12 17.5v.1" />
  </Icon>
);
export const HistoryIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="8.2" />
    <path d="M12 7.5V12l3 2" />
  </Icon>
);
